// The entry point that ONNX Runtime calls when the library is registered with a session's options.
#include <mutex>
#include <vector>

#include "directional_scan.h"
#include "self_test.h"

namespace inpaint::ort {
namespace {

// The domain lives as long as the library, which outlives every session that uses it.
class Domain {
 public:
  ~Domain() {
    if (domain_ != nullptr) Api(table_).release(domain_);
  }

  Status* add_to(SessionOptions* options, const Table* table) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (domain_ == nullptr) {
      if (Status* status = build(table)) return status;
    }
    return Api(table).add_domain(options, domain_);
  }

 private:
  Status* build(const Table* table) {
    const Api api(table);
    ops_ = cpu_scans(api);
#if defined(INPAINT_ORT_CUDA)
    for (const ScanOp& op : cuda_scans(api)) ops_.push_back(op);
#endif
    CustomOpDomain* domain = nullptr;
    if (Status* status = api.create_domain("inpaint_sdk", &domain)) return status;
    for (const ScanOp& op : ops_) {
      if (Status* status = api.add_op(domain, &op.base)) {
        api.release(domain);
        return status;
      }
    }
    domain_ = domain;
    table_ = table;
    return nullptr;
  }

  std::mutex mutex_;
  std::vector<ScanOp> ops_;
  const Table* table_ = nullptr;
  CustomOpDomain* domain_ = nullptr;
};

Domain domain;

}  // namespace
}  // namespace inpaint::ort

// Name and signature are ONNX Runtime's.
extern "C" __attribute__((visibility("default"))) inpaint::ort::Status* RegisterCustomOps(
    inpaint::ort::SessionOptions* options, const inpaint::ort::ApiBase* base) {
  using namespace inpaint::ort;
  const Table* table = nullptr;
  if (Status* status = check_interface(base, &table)) return status;
  try {
    return domain.add_to(options, table);
  } catch (...) {
    return Api(table).create_status(kFail, "inpaint_sdk: registering DirectionalScan failed");
  }
}
