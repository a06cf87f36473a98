# SPDX-License-Identifier: Apache-2.0
# Dnnl::Dnnl, oneDNN by its library and header. Its own CMake package asks for OpenCL headers that nobody needs here.
# oneDNN as Debian builds it runs on OpenMP; kernels/gemm sets the thread count of the calling thread through it.
find_path(Dnnl_INCLUDE_DIR dnnl.hpp)
find_library(Dnnl_LIBRARY dnnl)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Dnnl REQUIRED_VARS Dnnl_LIBRARY Dnnl_INCLUDE_DIR)
if(Dnnl_FOUND AND NOT TARGET Dnnl::Dnnl)
  add_library(Dnnl::Dnnl UNKNOWN IMPORTED)
  set_target_properties(Dnnl::Dnnl PROPERTIES IMPORTED_LOCATION "${Dnnl_LIBRARY}" INTERFACE_LINK_LIBRARIES gomp
                        INTERFACE_INCLUDE_DIRECTORIES "${Dnnl_INCLUDE_DIR}")
endif()
mark_as_advanced(Dnnl_INCLUDE_DIR Dnnl_LIBRARY)
