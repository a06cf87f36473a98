// SPDX-License-Identifier: Apache-2.0
// A program of somebody else's, built on the installed library. Its argument is the installed data folder.
#include <spatten/model/model.h>
#include <spatten/model/tasks/classify.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  spatten::ThreadPool threads(2);
  const spatten::Model model = spatten::load_model(std::string(argv[1]) + "/models/sst2-small", threads);
  spatten::RunOptions options;
  options.threads = &threads;
  const auto results = spatten::classify(model, {spatten::TextInput{"a moving and funny film", {}}}, options);
  std::printf("%s\n", results.at(0).label.c_str());
  return results.at(0).label == "positive" ? 0 : 1;
}
