// A libcuda.so.1 as NVIDIA's bindings load it: of CUDA 12.6 on an Orin, with what the SDK calls and
// nothing else. It refuses what the driver of JetPack 6 refuses: functions and their versions that
// came later, calls without a context, handles and memory that it did not give out.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace {

enum Result {
  kSuccess = 0,
  kInvalidValue = 1,
  kNotInitialized = 3,
  kInvalidImage = 200,
  kInvalidContext = 201,
  kInvalidHandle = 400,
  kNotFound = 500,
  kCaptureUnsupported = 900,
  kNotCapturing = 901,
};
constexpr int kDriverVersion = 12060;

bool initialized = false;
std::uintptr_t next_handle = 0x1000;
std::set<std::uintptr_t> streams, graphs, executables, modules, functions;
std::map<std::uintptr_t, bool> capturing;
std::map<std::uintptr_t, std::size_t> device_memory, host_memory;
thread_local std::vector<std::uintptr_t> contexts;
constexpr std::uintptr_t kPrimary = 0xC0;
constexpr std::uintptr_t kMapped = std::uintptr_t{1} << 62;

std::uintptr_t make(std::set<std::uintptr_t>& kind) {
  return *kind.insert(next_handle += 16).first;
}

bool within(const std::map<std::uintptr_t, std::size_t>& memory, std::uintptr_t at, std::size_t n) {
  auto after = memory.upper_bound(at);
  if (after == memory.begin()) return false;
  const auto& block = *--after;
  return at + n <= block.first + block.second;
}

#define NEED_CONTEXT() \
  if (contexts.empty()) return initialized ? kInvalidContext : kNotInitialized
#define NEED(condition, result) \
  if (!(condition)) return result

int init(unsigned) {
  initialized = true;
  return kSuccess;
}
int driver_version(int* version) {
  *version = kDriverVersion;
  return kSuccess;
}
int device_count(int* count) {
  NEED(initialized, kNotInitialized);
  *count = std::getenv("STUB_NO_DEVICE") == nullptr;
  return kSuccess;
}
int device_get(int* device, int ordinal) {
  NEED(ordinal == 0, 101);
  *device = 0;
  return kSuccess;
}
int device_name(char* name, int length, int) {
  std::snprintf(name, length, "Orin");
  return kSuccess;
}
int device_attribute(int* value, int attribute, int) {
  const std::map<int, int> values = {{75, 8}, {76, 7}, {16, 8}, {18, 1}};
  NEED(values.count(attribute), kInvalidValue);
  *value = values.at(attribute);
  return kSuccess;
}
int total_memory(std::size_t* bytes, int) {
  *bytes = std::size_t{8} << 30;
  return kSuccess;
}
int retain(std::uintptr_t* context, int) {
  NEED(initialized, kNotInitialized);
  *context = kPrimary;
  return kSuccess;
}
int push(std::uintptr_t context) {
  NEED(context == kPrimary, kInvalidContext);
  contexts.push_back(context);
  return kSuccess;
}
int pop(std::uintptr_t* context) {
  NEED_CONTEXT();
  *context = contexts.back();
  contexts.pop_back();
  return kSuccess;
}
int stream_create(std::uintptr_t* stream, unsigned flags) {
  NEED_CONTEXT();
  NEED(flags == 1, kInvalidValue);
  *stream = make(streams);
  return kSuccess;
}
int stream_destroy(std::uintptr_t stream) {
  NEED_CONTEXT();
  return streams.erase(stream) ? kSuccess : kInvalidHandle;
}
int stream_synchronize(std::uintptr_t stream) {
  NEED_CONTEXT();
  NEED(streams.count(stream), kInvalidHandle);
  return capturing[stream] ? kCaptureUnsupported : kSuccess;
}
int mem_alloc(std::uintptr_t* pointer, std::size_t size) {
  NEED_CONTEXT();
  NEED(size > 0, kInvalidValue);
  if (size > std::size_t{8} << 30) return 2;
  *pointer = reinterpret_cast<std::uintptr_t>(std::malloc(size));
  device_memory[*pointer] = size;
  return kSuccess;
}
int mem_free(std::uintptr_t pointer) {
  NEED_CONTEXT();
  NEED(device_memory.erase(pointer), kInvalidValue);
  std::free(reinterpret_cast<void*>(pointer));
  return kSuccess;
}
int host_alloc(std::uintptr_t* pointer, std::size_t size, unsigned flags) {
  NEED_CONTEXT();
  NEED(flags == 2 && size > 0, kInvalidValue);
  *pointer = reinterpret_cast<std::uintptr_t>(std::malloc(size));
  host_memory[*pointer] = size;
  return kSuccess;
}
int host_free(std::uintptr_t pointer) {
  NEED_CONTEXT();
  NEED(host_memory.erase(pointer), kInvalidValue);
  std::free(reinterpret_cast<void*>(pointer));
  return kSuccess;
}
int host_pointer(std::uintptr_t* pointer, std::uintptr_t host, unsigned flags) {
  NEED_CONTEXT();
  NEED(flags == 0 && host_memory.count(host), kInvalidValue);
  *pointer = host + kMapped;
  return kSuccess;
}
int copy(std::uintptr_t to, std::uintptr_t from, std::size_t size, std::uintptr_t stream) {
  NEED_CONTEXT();
  NEED(streams.count(stream), kInvalidHandle);
  if (!capturing[stream]) {
    std::memcpy(reinterpret_cast<void*>(to), reinterpret_cast<void*>(from), size);
  }
  return kSuccess;
}
int to_device(std::uintptr_t to, std::uintptr_t from, std::size_t size, std::uintptr_t stream) {
  NEED(within(device_memory, to, size), kInvalidValue);
  return copy(to, from, size, stream);
}
int to_host(std::uintptr_t to, std::uintptr_t from, std::size_t size, std::uintptr_t stream) {
  NEED(within(device_memory, from, size), kInvalidValue);
  return copy(to, from, size, stream);
}
int set_bytes(std::uintptr_t at, unsigned char value, std::size_t size, std::uintptr_t stream) {
  NEED_CONTEXT();
  NEED(streams.count(stream), kInvalidHandle);
  NEED(within(device_memory, at, size), kInvalidValue);
  if (!capturing[stream]) std::memset(reinterpret_cast<void*>(at), value, size);
  return kSuccess;
}
int begin_capture(std::uintptr_t stream, int mode) {
  NEED_CONTEXT();
  NEED(mode == 1, kInvalidValue);
  NEED(streams.count(stream) && !capturing[stream], kInvalidHandle);
  capturing[stream] = true;
  return kSuccess;
}
int end_capture(std::uintptr_t stream, std::uintptr_t* graph) {
  NEED_CONTEXT();
  *graph = 0;
  NEED(capturing[stream], kNotCapturing);
  capturing[stream] = false;
  *graph = make(graphs);
  return kSuccess;
}
int instantiate(std::uintptr_t* executable, std::uintptr_t graph, unsigned long long flags) {
  NEED_CONTEXT();
  NEED(flags == 0 && graphs.count(graph), kInvalidValue);
  *executable = make(executables);
  return kSuccess;
}
int graph_destroy(std::uintptr_t graph) { return graphs.erase(graph) ? kSuccess : kInvalidHandle; }
int graph_launch(std::uintptr_t executable, std::uintptr_t stream) {
  NEED_CONTEXT();
  NEED(streams.count(stream), kInvalidHandle);
  return executables.count(executable) ? kSuccess : kInvalidHandle;
}
int executable_destroy(std::uintptr_t executable) {
  return executables.erase(executable) ? kSuccess : kInvalidHandle;
}
int module_load(std::uintptr_t* module, const void* image) {
  NEED_CONTEXT();
  NEED(std::memcmp(image,
                   "\x7f"
                   "ELF",
                   4) == 0,
       kInvalidImage);
  *module = make(modules);
  return kSuccess;
}
int module_function(std::uintptr_t* function, std::uintptr_t module, const char* name) {
  NEED_CONTEXT();
  NEED(modules.count(module), kInvalidHandle);
  NEED(std::strcmp(name, "missing") != 0, kNotFound);
  *function = make(functions);
  return kSuccess;
}
int module_unload(std::uintptr_t module) {
  NEED_CONTEXT();
  return modules.erase(module) ? kSuccess : kInvalidHandle;
}
// The kernel of this driver adds its second argument, an int, to the int at its first, and stores
// the sum at the third: device memory, or the host's where the device sees it.
int launch(std::uintptr_t function, unsigned, unsigned, unsigned grid_z, unsigned, unsigned,
           unsigned block_z, unsigned shared, std::uintptr_t stream, void** arguments,
           void** extra) {
  NEED_CONTEXT();
  NEED(functions.count(function) && streams.count(stream), kInvalidHandle);
  NEED(grid_z == 1 && block_z == 1 && shared == 0 && extra == nullptr, kInvalidValue);
  std::uintptr_t addresses[2] = {*static_cast<std::uintptr_t*>(arguments[0]),
                                 *static_cast<std::uintptr_t*>(arguments[2])};
  for (std::uintptr_t& address : addresses) {
    const bool mapped = address > kMapped && within(host_memory, address - kMapped, sizeof(int));
    NEED(mapped || within(device_memory, address, sizeof(int)), 700);
    if (mapped) address -= kMapped;
  }
  *reinterpret_cast<int*>(addresses[1]) =
      *reinterpret_cast<int*>(addresses[0]) + *static_cast<int*>(arguments[1]);
  return kSuccess;
}
int error_string(int error, const char** text) {
  const std::map<int, const char*> texts = {{0, "no error"},
                                            {1, "invalid argument"},
                                            {2, "out of memory"},
                                            {200, "device kernel image is invalid"},
                                            {201, "invalid device context"},
                                            {500, "named symbol not found"}};
  *text = texts.count(error) ? texts.at(error) : "another error";
  return kSuccess;
}

struct Entry {
  void* function;
  int since;  // version of CUDA in which this form of the function came
};

template <class Function>
Entry entry(Function* function, int since) {
  return {reinterpret_cast<void*>(function), since};
}

extern "C" __attribute__((visibility("default"))) int cuGetProcAddress_v2(
    const char* symbol, void** function, int version, std::uint64_t, int* status);

const std::map<std::string, Entry>& table() {
  static const std::map<std::string, Entry> all = {
      {"cuInit", entry(init, 2000)},
      {"cuDriverGetVersion", entry(driver_version, 2020)},
      {"cuDeviceGetCount", entry(device_count, 2000)},
      {"cuDeviceGet", entry(device_get, 2000)},
      {"cuDeviceGetName", entry(device_name, 2000)},
      {"cuDeviceGetAttribute", entry(device_attribute, 2000)},
      {"cuDeviceTotalMem", entry(total_memory, 3020)},
      {"cuDevicePrimaryCtxRetain", entry(retain, 7000)},
      {"cuCtxPushCurrent", entry(push, 4000)},
      {"cuCtxPopCurrent", entry(pop, 4000)},
      {"cuStreamCreate", entry(stream_create, 2000)},
      {"cuStreamDestroy", entry(stream_destroy, 4000)},
      {"cuStreamSynchronize", entry(stream_synchronize, 2000)},
      {"cuMemAlloc", entry(mem_alloc, 3020)},
      {"cuMemFree", entry(mem_free, 3020)},
      {"cuMemHostAlloc", entry(host_alloc, 2020)},
      {"cuMemFreeHost", entry(host_free, 2000)},
      {"cuMemHostGetDevicePointer", entry(host_pointer, 3020)},
      {"cuMemcpyHtoDAsync", entry(to_device, 3020)},
      {"cuMemcpyDtoHAsync", entry(to_host, 3020)},
      {"cuMemsetD8Async", entry(set_bytes, 3020)},
      {"cuStreamBeginCapture", entry(begin_capture, 10010)},
      {"cuStreamEndCapture", entry(end_capture, 10000)},
      {"cuGraphInstantiateWithFlags", entry(instantiate, 11040)},
      {"cuGraphDestroy", entry(graph_destroy, 10000)},
      {"cuGraphLaunch", entry(graph_launch, 10000)},
      {"cuGraphExecDestroy", entry(executable_destroy, 10000)},
      {"cuModuleLoadData", entry(module_load, 2000)},
      {"cuModuleGetFunction", entry(module_function, 2000)},
      {"cuModuleUnload", entry(module_unload, 2000)},
      {"cuLaunchKernel", entry(launch, 4000)},
      {"cuGetErrorString", entry(error_string, 6000)},
      {"cuGetProcAddress", entry(cuGetProcAddress_v2, 12000)},
  };
  return all;
}

extern "C" int cuGetProcAddress_v2(const char* symbol, void** function, int version, std::uint64_t,
                                   int* status) {
  *function = nullptr;
  if (status != nullptr) *status = 1;  // symbol not found
  const auto found = table().find(symbol);
  if (found == table().end()) return kNotFound;
  if (version < found->second.since || version > kDriverVersion) {
    if (status != nullptr) *status = 2;  // not in that version
    return kNotFound;
  }
  *function = found->second.function;
  if (status != nullptr) *status = 0;
  return kSuccess;
}

}  // namespace
