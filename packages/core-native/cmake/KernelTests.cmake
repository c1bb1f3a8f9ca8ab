# saev_kernel_tests: the tests of the kernels and of the SAE step without libtorch's library, whose headers for any machine
# do. For processors that are not at hand: `npm run emulate` compiles it for another one and runs it in an emulator.

function(saev_kernel_tests)
  add_library(saev_kernels STATIC ${ARGN})
  target_include_directories(saev_kernels PUBLIC native)
  target_include_directories(saev_kernels SYSTEM PUBLIC "${SAEV_LIBTORCH}/include")
  saev_kernel_levels(saev_kernels)
  file(GLOB tests CONFIGURE_DEPENDS "native/core/*_test.cc" "native/kernels/cpu/*_test.cc" "native/sae/*_test.cc")
  # These compare with libtorch, or write its files.
  list(FILTER tests EXCLUDE REGEX "/(half_rows|trainer|trainer_checkpoint)_test\\.cc$")
  add_executable(saev_kernel_tests native/test/main.cc native/test/without_libtorch.cc native/test/software_amx.cc ${tests})
  target_compile_options(saev_kernel_tests PRIVATE -Wall -Wextra -Wno-restrict)
  target_link_libraries(saev_kernel_tests PRIVATE saev_kernels Threads::Threads)
  # An emulator need not find the other machine's libraries.
  target_link_options(saev_kernel_tests PRIVATE -static)
endfunction()
