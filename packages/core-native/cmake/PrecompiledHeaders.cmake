# libtorch's headers take a compiler ten seconds to read and sixty files need them; the standard library's take one.
# Precompiled, they are read once a target, and a cold build takes two thirds of the time.
#
# Not with ccache, which keeps whole results anyway: now and then a precompiled header went through it with which GCC 12 then
# took all memory. -DSAEV_PRECOMPILED_HEADERS=OFF also shows that each file includes what it uses.

option(SAEV_PRECOMPILED_HEADERS "Read the headers that most files include once a target; not with ccache" ON)

set(SAEV_STANDARD_HEADERS algorithm array atomic cmath cstdint cstring functional memory mutex optional span string
    utility vector)
set(SAEV_TENSOR_HEADERS ATen/core/Tensor.h ATen/ops/empty.h)

# saev_precompile(TARGET HEADER…): all C++ sources of the target share the headers.
function(saev_precompile target)
  if(NOT SAEV_PRECOMPILED_HEADERS OR CMAKE_CXX_COMPILER_LAUNCHER)
    return()
  endif()
  list(TRANSFORM ARGN REPLACE ".+" "$<$<COMPILE_LANGUAGE:CXX>:<\\0$<ANGLE-R>>" OUTPUT_VARIABLE headers)
  target_precompile_headers(${target} PRIVATE ${headers})
  # GCC 12 forgets that what it read before was a system's header, and warns of overflows that cannot happen (bug 105329).
  target_compile_options(${target} PRIVATE
    $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-Wno-stringop-overflow;-Wno-array-bounds>)
endfunction()
