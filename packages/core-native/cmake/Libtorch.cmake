# Target saev::libtorch from an unpacked torch wheel.
#
# find_package(Torch) is not used: with the CUDA wheels it fails in every way (it wants a full toolkit, and CMake 3.25
# has no CUDA20). The wheel's layout is stable, so naming the parts ourselves is both shorter and works for all flavours.

if(NOT EXISTS "${SAEV_LIBTORCH}/include/ATen/core/Tensor.h")
  message(FATAL_ERROR "SAEV_LIBTORCH is '${SAEV_LIBTORCH}', which holds no include/ATen. "
                      "Build through `npm run build:native`, which finds or downloads libtorch.")
endif()

add_library(saev_libtorch INTERFACE)
add_library(saev::libtorch ALIAS saev_libtorch)
target_include_directories(saev_libtorch SYSTEM INTERFACE
  "${SAEV_LIBTORCH}/include" "${SAEV_LIBTORCH}/include/torch/csrc/api/include")
target_link_directories(saev_libtorch INTERFACE "${SAEV_LIBTORCH}/lib")
target_link_libraries(saev_libtorch INTERFACE c10 torch_cpu)
find_package(Threads REQUIRED)
target_link_libraries(saev_libtorch INTERFACE Threads::Threads)

# libtorch's headers put their own path into messages: shorten it, so that a packed addon names no folder of ours.
target_compile_options(saev_libtorch INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-ffile-prefix-map=${SAEV_LIBTORCH}/include=torch>)

# The run path points at the libtorch that the build used; the loader may preload another (see src/native/load.ts).
set(SAEV_RUN_PATH "${SAEV_LIBTORCH}/lib")
function(saev_torch_rpath target)
  set_target_properties(${target} PROPERTIES BUILD_RPATH "${SAEV_RUN_PATH}" INSTALL_RPATH "")
  target_link_options(${target} PRIVATE -Wl,--disable-new-dtags)
endfunction()
