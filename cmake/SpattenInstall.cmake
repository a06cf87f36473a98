# SPDX-License-Identifier: Apache-2.0
# Install and export: an outside program says find_package(spatten) and links spatten::spatten.
include(CMakePackageConfigHelpers)

get_property(modules GLOBAL PROPERTY SPATTEN_MODULES)
install(TARGETS spatten ${modules} EXPORT spatten-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT spatten-targets NAMESPACE spatten:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/spatten)
configure_package_config_file(cmake/spatten-config.cmake.in ${CMAKE_BINARY_DIR}/spatten-config.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/spatten)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/spatten-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/spatten-config.cmake ${CMAKE_BINARY_DIR}/spatten-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/spatten)
install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/spatten)
