# SPDX-License-Identifier: Apache-2.0
# Install and export: an outside program says find_package(spatten) and links spatten::spatten, or one layer of it
# (spatten::algo). What a static library links privately is found again there, by the same two find modules.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/spatten)
get_property(modules GLOBAL PROPERTY SPATTEN_MODULES)
install(TARGETS spatten ${modules} EXPORT spatten-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT spatten-targets NAMESPACE spatten:: DESTINATION ${package_dir})
configure_package_config_file(cmake/spatten-config.cmake.in ${CMAKE_BINARY_DIR}/spatten-config.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/spatten-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/spatten-config.cmake ${CMAKE_BINARY_DIR}/spatten-config-version.cmake
        cmake/FindDnnl.cmake cmake/FindUtf8proc.cmake DESTINATION ${package_dir})
install(DIRECTORY configs models DESTINATION ${CMAKE_INSTALL_DATADIR}/spatten)
