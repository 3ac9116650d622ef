// Runs independent tasks on the caller's threads or on threads of this library's own.
#ifndef INPAINT_CPU_PARALLEL_H_
#define INPAINT_CPU_PARALLEL_H_

#include <cstddef>
#include <functional>

#include "inpaint_scan.h"

namespace inpaint {

// How many tasks can run at once under these options.
int thread_count(const inpaint_scan_options& options);

// Calls task(i) for each i in [0, count). `task` must not throw.
void run_tasks(const inpaint_scan_options& options, size_t count,
               const std::function<void(size_t)>& task);

}  // namespace inpaint

#endif  // INPAINT_CPU_PARALLEL_H_
