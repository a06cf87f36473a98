// SPDX-License-Identifier: Apache-2.0
// The bytes of one record: a mask of the fields that differ from the record before it in the block, then those fields.
// Heads of a layer differ in little more than their index, so most records take two bytes (docs/formats/trace.md).
#pragma once

#include <string>
#include <string_view>

#include "spatten/trace/record.h"

namespace spatten::trace {

class RecordEncoder {
 public:
  /// A block starts from the default record, so that it can be read without the ones before it.
  void start_block() { previous_ = Record(); }
  void encode(const Record& record, std::string& out);

 private:
  Record previous_;
};

class RecordDecoder {
 public:
  /// `block` must stay alive until the next call.
  void start_block(std::string_view block);
  /// Decodes the next record of the block. Throws Error (message only) when the bytes make no record; allocates no more
  /// than the bytes at hand can fill.
  void decode(Record& out);
  std::size_t bytes_left() const { return rest_.size(); }

 private:
  std::string_view rest_;
  Record previous_;
};

}  // namespace spatten::trace
