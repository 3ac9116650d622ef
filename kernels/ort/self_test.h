// Tries the interface out before anything depends on it.
#ifndef INPAINT_ORT_SELF_TEST_H_
#define INPAINT_ORT_SELF_TEST_H_

#include "ort_abi.h"

namespace inpaint::ort {

// Gives the runtime's table of functions, or a status that says why there is none: the runtime is
// too old to have them, or they do not do what ort_abi.h says.
Status* check_interface(const ApiBase* base, const Table** table);

}  // namespace inpaint::ort

#endif  // INPAINT_ORT_SELF_TEST_H_
