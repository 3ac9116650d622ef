// Borrows the threads of an OpenMP runtime that something else has brought into the process.
#include <dlfcn.h>

#include <atomic>

#include "inpaint_scan.h"

namespace {

// GNU OpenMP's entry point, which LLVM's and Intel's have too: calls `run` on each of `threads`
// threads and returns when all calls have returned.
using Parallel = void (*)(void (*run)(void*), void* data, unsigned threads, unsigned flags);

Parallel find_parallel() {
  return reinterpret_cast<Parallel>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
}

struct Work {
  inpaint_scan_task task;
  void* task_data;
  size_t count;
  std::atomic<size_t> next;
};

void take_tasks(void* data) {
  Work& work = *static_cast<Work*>(data);
  for (size_t i = work.next++; i < work.count; i = work.next++) work.task(work.task_data, i);
}

void parallel_for(void* pool, inpaint_scan_task task, size_t count, void* task_data) {
  static const Parallel parallel = find_parallel();
  Work work{task, task_data, count, {0}};
  const size_t threads = *static_cast<const int32_t*>(pool);
  parallel(take_tasks, &work, static_cast<unsigned>(threads < count ? threads : count), 0);
}

}  // namespace

inpaint_scan_parallel_for inpaint_scan_openmp_parallel_for(void) {
  return find_parallel() != nullptr ? parallel_for : nullptr;
}
