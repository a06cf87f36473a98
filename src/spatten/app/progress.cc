// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/progress.h"

#include <fmt/format.h>

#include <cstdio>

#include "spatten/app/terminal.h"

namespace spatten::app {
namespace {

constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr std::size_t kBarColumns = 24;

}  // namespace

Progress::Progress(std::string label, std::optional<std::size_t> total, bool visible)
    : label_(std::move(label)), total_(total), visible_(visible), start_(std::chrono::steady_clock::now()), last_(start_) {}

Progress::~Progress() {
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
}

void Progress::update(std::size_t done) {
  const auto now = std::chrono::steady_clock::now();
  if (!visible_ || now - last_ < kRedraw) return;
  last_ = now;
  drawn_ = true;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = static_cast<double>(done) / seconds;
  if (total_ && *total_ > 0) {
    const double share = static_cast<double>(done) / static_cast<double>(*total_);
    fmt::print(stderr, "\r{} {} {}/{}  {:.0f}/s\x1b[K", label_, bar(share, kBarColumns), done, *total_, rate);
  } else {
    fmt::print(stderr, "\r{} {}  {:.0f}/s\x1b[K", label_, done, rate);
  }
  std::fflush(stderr);
}

}  // namespace spatten::app
