# CUDA flavours: enables the language for the toolkit in SAEV_CUDA_TOOLKIT and adds what a CUDA libtorch needs.
#
# CMake 3.25 does not know how nvcc 13 spells C++20, so that is said by hand. The CUDA runtime is the shared one of the
# nvidia wheels that lie beside torch: two runtimes in one process would not see each other's memory.

set(CMAKE_CUDA_COMPILER "${SAEV_CUDA_TOOLKIT}/bin/nvcc")
set(CMAKE_CUDA_ARCHITECTURES "${SAEV_CUDA_ARCHITECTURES}")
set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)
set(CMAKE_CUDA_HOST_COMPILER "${CMAKE_CXX_COMPILER}")
if(CCACHE)
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE})
endif()
enable_language(CUDA)
set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_VISIBILITY_PRESET hidden)
set(CMAKE_CUDA_FLAGS_RELEASE "-O3 -DNDEBUG --expt-relaxed-constexpr -Xcompiler=-Wno-restrict")

get_filename_component(SAEV_SITE "${SAEV_LIBTORCH}" DIRECTORY)
file(GLOB SAEV_NVIDIA_LIBS LIST_DIRECTORIES true "${SAEV_SITE}/nvidia/*/lib")
file(GLOB SAEV_NVIDIA_INCLUDES LIST_DIRECTORIES true "${SAEV_SITE}/nvidia/*/include")
file(GLOB SAEV_CUDART "${SAEV_SITE}/nvidia/*/lib/libcudart.so.*")
if(NOT SAEV_CUDART)
  file(GLOB SAEV_CUDART "${SAEV_CUDA_TOOLKIT}/lib64/libcudart.so.*")
endif()
list(GET SAEV_CUDART 0 SAEV_CUDART)

# The toolkit's own headers first: the wheels' serve for the libraries that the toolkit was installed without.
target_include_directories(saev_libtorch SYSTEM INTERFACE "${SAEV_CUDA_TOOLKIT}/include" ${SAEV_NVIDIA_INCLUDES})
target_compile_definitions(saev_libtorch INTERFACE SAEV_CUDA="${SAEV_CUDA_VERSION}")
# --no-as-needed: libtorch_cuda registers its operators when it is loaded and is named by nobody.
target_link_libraries(saev_libtorch INTERFACE
  -Wl,--no-as-needed c10_cuda torch_cuda -Wl,--as-needed "${SAEV_CUDART}")
target_link_options(saev_libtorch INTERFACE -Wl,--allow-shlib-undefined)
list(APPEND SAEV_RUN_PATH ${SAEV_NVIDIA_LIBS})
