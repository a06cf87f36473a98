// SPDX-License-Identifier: Apache-2.0
// Where the data that comes with the program lies: configs/ and models/, beside an installed program (../share/spatten),
// in the source tree of a build, or in the current folder.
#pragma once

#include <string>
#include <vector>

namespace spatten::app {

/// Existing folders that may hold configs/ and models/, best first.
std::vector<std::string> find_data_roots();

/// ROOT/NAME of the first root that has this folder. Throws Error that lists where it looked.
std::string find_data_folder(const std::string& name, const std::vector<std::string>& roots);

/// The folder of a model: `given` itself, else ROOT/given, else ROOT/models/given (the name of a bundled one).
/// Throws Error that lists where it looked, or that says that it is a file.
std::string find_model(const std::string& given, const std::vector<std::string>& roots);

/// A JSON file of the program's data, e.g. folder "configs/hw". With a "/" or ".json" in it `given` is a path, as it is or
/// below a root; else it is the name of a file of that folder, whatever the current folder holds, and only then a path. Throws UsageError that names `option` and the nearest of the
/// files there.
std::string find_data_file(const std::string& option, const std::string& given, const std::string& folder, const std::vector<std::string>& roots);

}  // namespace spatten::app
