// SPDX-License-Identifier: Apache-2.0
// A trace held in memory, and a source that walks over one.
#pragma once

#include <vector>

#include "spatten/trace/source.h"

namespace spatten::trace {

class MemorySink final : public Sink {
 public:
  void begin(const Header& header) override;
  void write(const Record& record) override;
  void end() override;

  const Header& header() const { return header_; }
  const std::vector<Record>& records() const { return records_; }
  bool ended() const { return ended_; }

 private:
  Header header_;
  std::vector<Record> records_;
  bool ended_ = false;
};

/// Looks at records owned elsewhere, which must outlive it.
class MemorySource final : public Source {
 public:
  MemorySource(const Header& header, const std::vector<Record>& records) : header_(header), records_(records) {}
  explicit MemorySource(const MemorySink& sink) : MemorySource(sink.header(), sink.records()) {}

  const Header& header() const override { return header_; }
  bool next(Record& out) override;

 private:
  const Header& header_;
  const std::vector<Record>& records_;
  std::size_t next_ = 0;
};

}  // namespace spatten::trace
