#include "kernels/table.h"
namespace ondol {
const KernelTable kAvx512Table = {.name = "avx512"};
}
