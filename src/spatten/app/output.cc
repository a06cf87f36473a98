// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/output.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "spatten/app/errors.h"

namespace spatten::app {
namespace {

constexpr std::size_t kPendingLimit = std::size_t{1} << 16;

}  // namespace

void print_standard_output(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EPIPE) throw ClosedPipe();
    if (n < 0) throw Error("standard output", "", fmt::format("cannot write: {}", std::strerror(errno)));
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

Output::Output(const std::string& path) {
  if (!path.empty() && path != "-") file_.emplace(path);
}

void Output::write(std::string_view text) {
  if (file_) {
    file_->write(text);
    return;
  }
  pending_ += text;
  if (pending_.size() >= kPendingLimit) flush();
}

void Output::write_json(const Json& value) { write(dump_json(value) + "\n"); }

void Output::flush() {
  print_standard_output(pending_);
  pending_.clear();
}

void Output::prepare() {
  if (file_) {
    file_->prepare();
  } else {
    flush();
  }
}

void Output::finish() {
  prepare();
  if (file_) file_->commit();
}

}  // namespace spatten::app
