#include "bind/guard.h"

#include <c10/util/Exception.h>

#include <filesystem>
#include <new>
#include <string>

namespace saev::bind {
namespace {

/// libtorch's messages run over many lines and ask for bug reports: the first line says what happened.
std::string first_line(const std::string& text) {
  const std::string line = text.substr(0, text.find('\n'));
  return line.empty() ? "an error without a message" : line;
}

}  // namespace

Failure describe_current_exception() {
  try {
    throw;
  } catch (const Error& e) {
    return {e.code(), e.what()};
  } catch (const c10::OutOfMemoryError& e) {
    return {Code::kOutOfMemory, first_line(e.what_without_backtrace())};
  } catch (const c10::Error& e) {
    const std::string line = first_line(e.what_without_backtrace());
    const bool memory = line.find("not enough memory") != std::string::npos ||
                        line.find("can't allocate memory") != std::string::npos;
    return {memory ? Code::kOutOfMemory : Code::kInternal, line};
  } catch (const std::bad_alloc&) {
    return {Code::kOutOfMemory, "not enough memory for this operation"};
  } catch (const std::filesystem::filesystem_error& e) {
    return {Code::kIo, first_line(e.what())};
  } catch (const std::length_error&) {
    return {Code::kOutOfMemory, "an array of that size cannot exist"};
  } catch (const std::exception& e) {
    return {Code::kInternal, first_line(e.what())};
  } catch (...) {
    return {Code::kInternal, "an unknown native exception"};
  }
}

Napi::Error to_js_error(Napi::Env env, const Failure& failure) {
  Napi::Error error = Napi::Error::New(env, failure.message);
  error.Value().Set("code", Napi::String::New(env, code_name(failure.code)));
  return error;
}

}  // namespace saev::bind
