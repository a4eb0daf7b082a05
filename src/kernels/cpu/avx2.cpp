#include "kernels/table.h"
namespace ondol {
const KernelTable kAvx2Table = {.name = "avx2"};
}
