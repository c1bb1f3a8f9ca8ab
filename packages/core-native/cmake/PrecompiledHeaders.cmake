# libtorch's headers take ten seconds of a compiler to read and sixty files need them: they are read once a target.
# A file that does without them is faster without (loading 260 MB costs more than its own headers), so it is left out.
# -DSAEV_PRECOMPILED_HEADERS=OFF compiles everything without: to see that each file includes what it uses.

option(SAEV_PRECOMPILED_HEADERS "Read libtorch's headers once for all files that include them" ON)

# saev_precompile(TARGET USERS HEADER…): the target's sources whose path matches the pattern USERS share HEADER….
function(saev_precompile target users)
  if(NOT SAEV_PRECOMPILED_HEADERS)
    return()
  endif()
  get_target_property(others ${target} SOURCES)
  list(FILTER others EXCLUDE REGEX "${users}")
  set_source_files_properties(${others} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  set(headers "")
  foreach(header IN LISTS ARGN)
    list(APPEND headers "$<$<COMPILE_LANGUAGE:CXX>:<${header}$<ANGLE-R>>")
  endforeach()
  target_precompile_headers(${target} PRIVATE ${headers})
  # ccache tells by the preprocessor's output whether a precompiled header changed.
  target_compile_options(${target} PRIVATE $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-fpch-preprocess>)
endfunction()
