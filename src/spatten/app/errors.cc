// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/errors.h"

#include <fmt/format.h>

#include <cstdio>
#include <new>

#include "spatten/base/error.h"

namespace spatten::app {

Failure describe_failure(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const UsageError& e) {
    return {2, printable(e.what(), 1000)};
  } catch (const Cancelled&) {
    return {130, "interrupted"};
  } catch (const ClosedPipe&) {
    return {141, ""};
  } catch (const std::bad_alloc&) {
    return {1, "out of memory: expected more than this process may take (see ulimit -v), try a smaller --batch or fewer --threads"};
  } catch (const std::exception& e) {
    return {1, printable(e.what(), 1000)};
  } catch (...) {
    return {1, "unknown failure"};
  }
}

int report_failure(const std::exception_ptr& error) {
  const Failure failure = describe_failure(error);
  if (!failure.message.empty()) print_note(failure.message);
  return failure.status;
}

void print_note(const std::string& message) { fmt::print(stderr, "spatten: {}\n", message); }

}  // namespace spatten::app
