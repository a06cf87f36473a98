// SPDX-License-Identifier: Apache-2.0
// Any bytes as a binary trace: they are refused with an Error, or they keep the rules and survive being written again.
#include <cstdlib>

#include "spatten/base/error.h"
#include "spatten/trace/file_source.h"
#include "spatten/trace/record_codec.h"
#include "spatten/trace/summary.h"

using namespace spatten;
using namespace spatten::trace;

namespace {

/// Each record, coded and decoded by itself, is the same record.
void code_again(const Record& record) {
  std::string bytes;
  RecordEncoder encoder;
  encoder.start_block();
  encoder.encode(record, bytes);
  RecordDecoder decoder;
  decoder.start_block(bytes);
  Record back;
  decoder.decode(back);
  if (!(back == record) || decoder.bytes_left() != 0) std::abort();
}

void read_as_file(const std::string& bytes) {
  FileSource source(InputFile::from_memory("fuzz.trace", bytes));
  Record record;
  while (source.next(record)) code_again(record);
}

/// The checksums keep a fuzzer out of the record decoder, so the same bytes also go there directly.
void read_as_block(std::string_view bytes) {
  Rules rules{Header{}};
  RecordDecoder decoder;
  decoder.start_block(bytes);
  Record record;
  while (decoder.bytes_left() > 0) {
    decoder.decode(record);
    if (rules.check(record)) return;
    code_again(record);
    if (value_pairs(record) > key_pairs(record)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  try {
    read_as_file(bytes);
  } catch (const Error&) {
  }
  try {
    FileSource source(InputFile::from_memory("fuzz.trace", bytes));
    summarize(source);
  } catch (const Error&) {
  }
  try {
    read_as_block(bytes);
  } catch (const Error&) {
  }
  return 0;
}
