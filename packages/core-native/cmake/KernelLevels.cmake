# Compiles every kernels/cpu/*.level.cc once per instruction set of this architecture, each time with SAEV_LEVEL naming
# the namespace its functions go to. Which of them runs is decided at run time (native/kernels/level.h).
# -Wno-(maybe-)uninitialized: GCC 12 warns inside its own AVX-512 headers (GCC bug 105593).
# -falign-loops=64: where a short loop begins is luck otherwise, and was worth up to 8 % of the ViT's product.
# -fno-math-errno and -fno-trapping-math let sqrt and comparisons become vector instructions; results stay IEEE.

function(saev_kernel_levels target)
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/native/kernels/cpu/*.level.cc")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    set(levels avx2 avx512 bf16 avxvnni avx512vnni avx512amx)
    set(flags_avx2 -mavx2 -mfma -mf16c -mbmi2 -mpopcnt -mtune=znver3)
    set(flags_avx512 -mavx2 -mfma -mf16c -mbmi2 -mpopcnt -mavx512f -mavx512bw -mavx512dq -mavx512vl
                     -mprefer-vector-width=512)
    # AVX-512 with bfloat16 products: *.bf16.cc only.
    set(flags_bf16 ${flags_avx512} -mavx512bf16)
    # Products of 8-bit numbers: *.vnni.cc only.
    set(flags_avxvnni ${flags_avx2} -mavxvnni)
    set(flags_avx512vnni ${flags_avx512} -mavx512vnni)
    # Products of tiles: *.amx.cc only.
    set(flags_avx512amx ${flags_avx512} -mamx-tile -mamx-int8 -mamx-bf16)
  else()
    set(levels neon)
    set(flags_neon "")
  endif()
  foreach(level IN LISTS levels)
    if(level STREQUAL "bf16")
      file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/native/kernels/cpu/*.bf16.cc")
    elseif(level STREQUAL "avx512amx")
      file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/native/kernels/cpu/*.amx.cc")
    elseif(level MATCHES "vnni")
      file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/native/kernels/cpu/*.vnni.cc")
    endif()
    if(sources)
      add_library(saev_kernels_${level} OBJECT ${sources})
      target_include_directories(saev_kernels_${level} PRIVATE native)
      target_compile_definitions(saev_kernels_${level} PRIVATE SAEV_LEVEL=${level})
      target_compile_options(saev_kernels_${level} PRIVATE ${flags_${level}} -falign-loops=64 -fno-math-errno -fno-trapping-math
                             -ffp-contract=fast -Wall -Wextra -Wno-psabi -Wno-unused-function -Wno-maybe-uninitialized
                             -Wno-uninitialized)
      target_sources(${target} PRIVATE $<TARGET_OBJECTS:saev_kernels_${level}>)
    endif()
    string(TOUPPER ${level} upper)
    # Where there is AVX2 there are VNNI and AMX, and a definition less means fewer files to compile anew.
    if(NOT level MATCHES "vnni|amx")
      target_compile_definitions(${target} PUBLIC SAEV_HAS_${upper}=1)
    endif()
  endforeach()
endfunction()
