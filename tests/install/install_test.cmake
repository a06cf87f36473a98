# SPDX-License-Identifier: Apache-2.0
# cmake -DSOURCE_DIR= -DBUILD_DIR= -DCXX= -DCXX_FLAGS= -DBUILD_TYPE= -DGENERATOR= -P install_test.cmake
# 1. installs; 2. looks for paths of this checkout in what was exported; 3. configures, builds and runs outside/.
cmake_minimum_required(VERSION 3.25)

set(root "$ENV{TMPDIR}")
if(NOT root)
  set(root /tmp)
endif()
string(RANDOM LENGTH 12 suffix)
set(root "${root}/spatten install ${suffix}")  # a blank in the path on purpose

macro(step what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    file(REMOVE_RECURSE "${root}")
    message("${output}")
    message(FATAL_ERROR "${what} failed (${status})")
  endif()
endmacro()

step("installing" "${CMAKE_COMMAND}" --install "${BUILD_DIR}" --prefix "${root}/prefix")

file(GLOB_RECURSE exported "${root}/prefix/*.cmake")
foreach(file ${exported})
  file(READ "${file}" text)
  foreach(place "${BUILD_DIR}" "${SOURCE_DIR}")
    string(FIND "${text}" "${place}" found)
    if(NOT found EQUAL -1)
      file(REMOVE_RECURSE "${root}")
      message(FATAL_ERROR "${file} names ${place}: it works only on this machine")
    endif()
  endforeach()
endforeach()

step("configuring outside" "${CMAKE_COMMAND}" -S "${SOURCE_DIR}/tests/install/outside" -B "${root}/build" -G "${GENERATOR}"
     "-DCMAKE_PREFIX_PATH=${root}/prefix" "-DCMAKE_CXX_COMPILER=${CXX}" "-DCMAKE_CXX_FLAGS=${CXX_FLAGS}"
     "-DCMAKE_BUILD_TYPE=${BUILD_TYPE}")
step("building outside" "${CMAKE_COMMAND}" --build "${root}/build")
step("running outside" "${root}/build/outside" "${root}/prefix/share/spatten")
if(EXISTS "${root}/prefix/bin/spatten")
  step("running the installed program" "${root}/prefix/bin/spatten" --version)
endif()
file(REMOVE_RECURSE "${root}")
