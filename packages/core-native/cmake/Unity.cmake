# Most of what a compiler does for one of our files is reading headers (libtorch's take it ten seconds) and compiling what they
# hold. In batches of files that is done once a batch: a cold build takes two fifths of the time. Precompiled headers, tried
# before, saved less: libtorch's took half a minute to write.
#
# Not with ccache, which keeps results file by file. Both ways of building must work: names in an unnamed namespace
# differ within a folder, and each file includes what it uses. -DSAEV_UNITY=OFF suits work on the sources without ccache.

option(SAEV_UNITY "Compile sources in batches; not with ccache" ON)

# saev_unity(TARGET SIZE): C++ sources of the target are compiled SIZE at a time. Those of kernels/ are not: they read few
# headers, are alike (each picks its kernel by level with the same names), and what is inlined in them is not to depend on others.
function(saev_unity target size)
  if(NOT SAEV_UNITY OR CMAKE_CXX_COMPILER_LAUNCHER)
    return()
  endif()
  get_target_property(alone ${target} SOURCES)
  list(FILTER alone INCLUDE REGEX "native/kernels/")
  set_source_files_properties(${alone} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE BATCH UNITY_BUILD_BATCH_SIZE ${size})
endfunction()
