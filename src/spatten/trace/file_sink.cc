// SPDX-License-Identifier: Apache-2.0
#include "spatten/trace/file_sink.h"


#include "spatten/base/crc32.h"
#include "spatten/base/fields.h"
#include "spatten/trace/file_format.h"

namespace spatten::trace {
namespace {

/// Appends the checksum of `bytes`, chained to `before`, and writes all of it. Returns the checksum.
std::uint32_t write_checked(OutputFile& file, std::string bytes, std::uint32_t before) {
  const std::uint32_t checksum = crc32(bytes, before);
  put_little_endian(bytes, checksum);
  file.write(bytes);
  return checksum;
}

}  // namespace

FileSink::FileSink(const std::string& path) : own_(path), file_(*own_) {}

void FileSink::begin(const Header& header) {
  SPATTEN_CHECK(rules_ == nullptr);
  SPATTEN_CHECK(header.seed >> 63 == 0);  // JSON readers hold integers in 63 bits
  const std::string json = dump_json(write_field(header));
  if (json.size() > kMaxHeaderBytes) {
    throw Error(file_.path(), "header", fmt::format("expected at most {} bytes, found {}", kMaxHeaderBytes, json.size()));
  }
  rules_ = std::make_unique<Rules>(header);
  std::string bytes;
  put_little_endian(bytes, kFormatVersion);
  put_little_endian(bytes, static_cast<std::uint32_t>(json.size()));
  file_.write(kMagic);
  checksum_ = write_checked(file_, bytes + json, 0);
}

void FileSink::write(const Record& record) {
  SPATTEN_CHECK(rules_ != nullptr);
  rules_->require(record, file_.path(), records_ + 1);
  if (block_records_ == 0) encoder_.start_block();
  encoder_.encode(record, block_);
  ++block_records_;
  ++records_;
  if (block_.size() >= kBlockBytes) flush_block();
}

void FileSink::flush_block() {
  if (block_records_ == 0) return;
  SPATTEN_CHECK(block_.size() <= kMaxBlockBytes);
  std::string bytes;
  put_little_endian(bytes, static_cast<std::uint32_t>(block_.size()));
  put_little_endian(bytes, block_records_);
  checksum_ = write_checked(file_, bytes + block_, checksum_);
  block_.clear();
  block_records_ = 0;
}

void FileSink::end() {
  SPATTEN_CHECK(rules_ != nullptr);
  flush_block();
  std::string bytes;
  put_little_endian(bytes, std::uint32_t{0});
  put_little_endian(bytes, std::uint32_t{0});
  put_little_endian(bytes, records_);
  write_checked(file_, bytes, checksum_);
  if (own_) own_->commit();
  rules_.reset();
}

}  // namespace spatten::trace
