#include "self_test.h"

#include <cstdio>
#include <cstring>

namespace inpaint::ort {
namespace {

// A status goes in and comes back: the slots around 0 and around 93.
bool statuses_work(const Api& api) {
  Status* status = api.create_status(kInvalidArgument, "inpaint_sdk self-test");
  if (status == nullptr) return false;
  const bool same = api.error_code(status) == kInvalidArgument &&
                    std::strcmp(api.error_message(status), "inpaint_sdk self-test") == 0;
  api.release(status);
  return same;
}

// Whether a call worked; what it says otherwise is not kept.
bool works(const Api& api, Status* status) {
  if (status != nullptr) api.release(status);
  return status == nullptr;
}

// A type and a shape go in and come back: the slots around 60, 99 and 271.
bool tensor_infos_work(const Api& api) {
  const int64_t sizes[2] = {17, -1};
  const char* names[2] = {"", "width"};
  TensorInfo* info = nullptr;
  if (!works(api, api.create_info(&info)) || info == nullptr) return false;
  size_t rank = 0;
  int64_t sizes_back[2] = {0, 0};
  const char* names_back[2] = {nullptr, nullptr};
  ElementType type = kUndefined;
  const bool same =
      works(api, api.set_type(info, kFloat16)) && works(api, api.set_dimensions(info, sizes, 2)) &&
      works(api, api.set_symbols(info, names, 2)) && works(api, api.type(info, &type)) &&
      type == kFloat16 && works(api, api.rank(info, &rank)) && rank == 2 &&
      works(api, api.dimensions(info, sizes_back, 2)) && sizes_back[0] == 17 &&
      sizes_back[1] == -1 && works(api, api.symbols(info, names_back, 2)) &&
      names_back[1] != nullptr && std::strcmp(names_back[1], "width") == 0;
  api.release(info);
  return same;
}

}  // namespace

Status* check_interface(const ApiBase* base, const Table** table) {
  char message[160];
  *table = base->get_api(kApiVersion);
  if (*table == nullptr) {
    std::snprintf(message, sizeof message,
                  "inpaint_sdk: ONNX Runtime %s is too old for this library, which needs 1.%u",
                  base->get_version_string(), kApiVersion);
    return Api(base->get_api(1)).create_status(kFail, message);  // slot 0 is in every version
  }
  const Api api(*table);
  if (statuses_work(api) && tensor_infos_work(api)) return nullptr;
  std::snprintf(message, sizeof message,
                "inpaint_sdk: the C interface of ONNX Runtime %s is not the one this library knows",
                base->get_version_string());
  return api.create_status(kFail, message);
}

}  // namespace inpaint::ort
