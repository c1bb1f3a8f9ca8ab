# libjpeg-turbo, where its headers are installed (Debian: libjpeg62-turbo-dev; others: libjpeg-turbo-devel, jpeg-turbo).
# The archive is preferred, so that the addon needs nothing at run time. Without it JPEG is decoded by sharp, as all other
# formats are: to the same bytes, more slowly. -DSAEV_JPEG=OFF builds so.

include(CheckCXXSourceCompiles)

option(SAEV_JPEG "Decode JPEG with libjpeg-turbo, where it is installed" ON)

function(saev_jpeg target)
  set(library "")
  if(NOT SAEV_JPEG)
    return()
  endif()
  find_path(SAEV_JPEG_INCLUDE jpeglib.h)
  find_library(SAEV_JPEG_ARCHIVE NAMES libjpeg.a)
  find_library(SAEV_JPEG_SHARED NAMES jpeg)
  set(CMAKE_REQUIRED_INCLUDES ${SAEV_JPEG_INCLUDE})
  # Linked as a module: an archive may not be position-independent.
  set(CMAKE_REQUIRED_FLAGS -fPIC)
  set(CMAKE_REQUIRED_LINK_OPTIONS -shared)
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    list(APPEND CMAKE_REQUIRED_LINK_OPTIONS -Wl,--exclude-libs,libjpeg.a)
  endif()
  set(source "
#include <cstddef>
#include <cstdio>
#include <jpeglib.h>
#ifndef LIBJPEG_TURBO_VERSION
#error not libjpeg-turbo: other libraries give other pixels
#endif
bool decode(jpeg_decompress_struct& d, unsigned char** rows) {
  jpeg_create_decompress(&d);
  jpeg_mem_src(&d, rows[0], 1);
  jpeg_read_header(&d, TRUE);
  jpeg_start_decompress(&d);
  jpeg_read_scanlines(&d, rows, 1);
  jpeg_finish_decompress(&d);
  jpeg_destroy_decompress(&d);
  return true;
}")
  foreach(kind ARCHIVE SHARED)
    if(SAEV_JPEG_INCLUDE AND SAEV_JPEG_${kind} AND NOT library)
      set(CMAKE_REQUIRED_LIBRARIES ${SAEV_JPEG_${kind}})
      check_cxx_source_compiles("${source}" SAEV_JPEG_${kind}_LINKS)
      if(SAEV_JPEG_${kind}_LINKS)
        set(library ${SAEV_JPEG_${kind}})
      endif()
    endif()
  endforeach()
  if(NOT library)
    message(STATUS "libjpeg-turbo: not found; sharp decodes JPEG")
    return()
  endif()
  message(STATUS "libjpeg-turbo: ${library}")
  target_include_directories(${target} SYSTEM PRIVATE ${SAEV_JPEG_INCLUDE})
  target_compile_definitions(${target} PRIVATE SAEV_HAS_JPEG=1)
  target_link_libraries(${target} PRIVATE ${library})
  # Another libjpeg may live in the process: ours is nobody else's.
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND library MATCHES "\\.a$")
    target_link_options(${target} PUBLIC "LINKER:--exclude-libs,libjpeg.a")
  endif()
endfunction()
