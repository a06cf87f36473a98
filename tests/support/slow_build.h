// SPDX-License-Identifier: Apache-2.0
// Whether a sanitizer is built in, which makes everything ten times slower: long tests then run a part of their cases.
#pragma once

namespace spatten {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SPATTEN_SLOW_BUILD 1
#endif
#endif
#if defined(SPATTEN_SLOW_BUILD) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSlowBuild = true;
#else
inline constexpr bool kSlowBuild = false;
#endif

}  // namespace spatten
