// SPDX-License-Identifier: Apache-2.0
// A folder for one test, removed at its end.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "spatten/base/file.h"

namespace spatten {

/// Writes without the fsync and rename of write_file, which tests need not wait for.
inline void put_file(const std::string& path, std::string_view contents) {
  std::ofstream out(path, std::ios::binary);
  out.write(contents.data(), static_cast<std::streamsize>(contents.size()));
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

class TempFolder {
 public:
  TempFolder() : path_((std::filesystem::temp_directory_path() / "spatten-test-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make a folder for the test");
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string path(std::string_view name) const { return join_path(path_, name); }
  /// Writes a file and returns its path; folders on the way are made.
  std::string write(std::string_view name, std::string_view contents) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    put_file(path(name), contents);
    return path(name);
  }

 private:
  std::string path_;
};

}  // namespace spatten
