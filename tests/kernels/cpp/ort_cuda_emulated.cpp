// The ONNX Runtime operator for CUDA, registered for the CPU execution provider: with the
// emulation's kernels, for which host memory is device memory, a session without a GPU runs its
// code.
#include <vector>

#include "../../../kernels/ort/directional_scan.h"
#include "../../../kernels/ort/self_test.h"

extern "C" __attribute__((visibility("default"))) inpaint::ort::Status* RegisterCustomOps(
    inpaint::ort::SessionOptions* options, const inpaint::ort::ApiBase* base) {
  using namespace inpaint::ort;
  const Table* table = nullptr;
  if (Status* status = check_interface(base, &table)) return status;
  const Api api(table);
  // Never freed: sessions use them until the process ends.
  auto* ops = new std::vector<ScanOp>(cuda_scans(api));
  CustomOpDomain* domain = nullptr;
  if (Status* status = api.create_domain("inpaint_sdk", &domain)) return status;
  for (ScanOp& op : *ops) {
    op.provider = "CPUExecutionProvider";
    if (Status* status = api.add_op(domain, &op.base)) return status;
  }
  return api.add_domain(options, domain);
}
