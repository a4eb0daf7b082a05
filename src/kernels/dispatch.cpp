// Which instruction sets this machine has, and the table of each.
#include <cstdlib>

#include "base/error.h"
#include "kernels/table.h"

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

namespace ondol {
namespace {

struct Features {
  bool avx2 = false, fma = false, f16c = false, avx_vnni = false;
  bool avx512f = false, avx512bw = false, avx512vl = false, avx512dq = false;
  bool avx512_vnni = false, avx512_bf16 = false, amx_int8 = false, amx_bf16 = false;
  bool tiles = false;  // the processor's, whatever the system permits
  // One vdpbf16ps (32 products) takes as long as one fma (16) on AMD Zen 4 and later, as long as
  // four on Intel's Sapphire Rapids (docs/decisions/0013).
  bool fast_bf16_dot = false;

  bool runs_avx2() const { return avx2 && fma && f16c; }
  bool runs_avx512() const {
    return runs_avx2() && avx512f && avx512bw && avx512vl && avx512dq && avx512_vnni;
  }
};

#if defined(__x86_64__)
bool has_palette() {  // tiles as amx_config.h shapes them: 8 of 16 rows of 64 bytes
  uint32_t a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(0x1d, 1, &a, &b, &c, &d) && b >> 16 >= 8 && (b & 0xffffU) >= 64 &&
         (c & 0xffffU) >= 16;
}

uint64_t enabled_states() {  // XCR0: the register states the operating system saves
  uint32_t low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

Features detect() {
  Features f;
  uint32_t a = 0, b = 0, c = 0, d = 0;
  const auto bit = [](uint32_t word, int index) { return ((word >> index) & 1U) != 0; };
  if (!__get_cpuid(0, &a, &b, &c, &d)) return f;
  f.fast_bf16_dot = b == signature_AMD_ebx && c == signature_AMD_ecx && d == signature_AMD_edx;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !bit(c, 27)) return f;
  const uint64_t states = enabled_states();
  const bool ymm = (states & 0x6U) == 0x6U;
  const bool zmm = (states & 0xe6U) == 0xe6U;
  const bool tiles = (states & 0x60000U) == 0x60000U;
  f.fma = ymm && bit(c, 12);
  f.f16c = ymm && bit(c, 29);
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return f;
  f.avx2 = ymm && bit(b, 5);
  f.avx512f = zmm && bit(b, 16);
  f.avx512dq = zmm && bit(b, 17);
  f.avx512bw = zmm && bit(b, 30);
  f.avx512vl = zmm && bit(b, 31);
  f.avx512_vnni = zmm && bit(c, 11);
  f.tiles = bit(d, 24) && bit(d, 25) && has_palette();
  f.amx_bf16 = tiles && bit(d, 24) && bit(d, 22);
  f.amx_int8 = tiles && bit(d, 24) && bit(d, 25);
  if (!__get_cpuid_count(7, 1, &a, &b, &c, &d)) return f;
  f.avx_vnni = ymm && bit(a, 4);
  f.avx512_bf16 = zmm && bit(a, 5);
  return f;
}
#else
Features detect() { return {}; }
#endif

const Features& features() {
  static const Features found = detect();
  return found;
}

#if defined(__x86_64__)
template <class Entry>
void take(Entry& entry, Entry reference) {
  if (!entry) entry = reference;
}

KernelTable completed(KernelTable t) {
  take(t.quantize, kRefTable.quantize);
  take(t.matmul_fast, kRefTable.matmul_fast);
  take(t.matmul_exact, kRefTable.matmul_exact);
  take(t.round_bf16, kRefTable.round_bf16);
  take(t.matmul_bf16, kRefTable.matmul_bf16);
  take(t.dequantize_panel, kRefTable.dequantize_panel);
  take(t.gemm, kRefTable.gemm);
  take(t.rms_norm, kRefTable.rms_norm);
  take(t.layer_norm, kRefTable.layer_norm);
  take(t.add, kRefTable.add);
  take(t.silu_multiply, kRefTable.silu_multiply);
  take(t.gelu, kRefTable.gelu);
  take(t.gelu_tanh, kRefTable.gelu_tanh);
  take(t.softmax, kRefTable.softmax);
  take(t.max_sum, kRefTable.max_sum);
  take(t.dot, kRefTable.dot);
  take(t.dot_i8_rows, kRefTable.dot_i8_rows);
  take(t.rope, kRefTable.rope);
  take(t.attention, kRefTable.attention);
  take(t.join_segments, kRefTable.join_segments);
  take(t.quantize_vector, kRefTable.quantize_vector);
  take(t.rms_norm_backward, kRefTable.rms_norm_backward);
  take(t.layer_norm_backward, kRefTable.layer_norm_backward);
  take(t.silu_multiply_backward, kRefTable.silu_multiply_backward);
  take(t.gelu_backward, kRefTable.gelu_backward);
  take(t.gelu_tanh_backward, kRefTable.gelu_tanh_backward);
  take(t.softmax_backward, kRefTable.softmax_backward);
  take(t.negative_step, kRefTable.negative_step);
  take(t.adam, kRefTable.adam);
  return t;
}

KernelTable avx_vnni_table() {
  KernelTable table = completed(kAvx2Table);
  table.name = "avx_vnni";
  table.matmul_fast = avx2::matmul_fast_vnni;
  return table;
}

KernelTable avx512_table() {
  KernelTable table = completed(kAvx512Table);
  if (features().avx512_bf16 && features().fast_bf16_dot) {
    table.round_bf16 = avx512::round_bf16_pairs;
    table.matmul_bf16 = avx512::matmul_bf16_dot;
  }
  return table;
}

// Linux saves tile registers only for processes that asked (arch/x86/include/uapi/asm/prctl.h and
// Documentation/arch/x86/xstate.rst: ARCH_REQ_XCOMP_PERM, state component 18 is the tiles' data).
// Holds for every thread of the process, those of before too.
bool tiles_permitted() {
#if defined(__linux__)
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

// Tile kernels run only after they have shown, once a process, that they give avx512's bits: no
// machine that this program was written on has them (docs/decisions/0016).
struct AmxSet {
  KernelTable table = avx512_table();
  std::string_view refused;  // why it is not used, where the processor has tiles
  bool usable = false;
};

AmxSet make_amx_set() {
  AmxSet set;
  set.table.name = "avx512_amx";
  set.table.matmul_fast = avx512::matmul_fast_amx;
  if (!features().tiles || !features().runs_avx512()) return set;
  if (!features().amx_int8 || !tiles_permitted()) {
    set.refused = "the operating system does not permit tile registers";
  } else if (!same_fast_products(set.table, avx512_table())) {
    set.refused = "its products differ from those of avx512";
  } else {
    set.usable = true;
  }
  return set;
}

const AmxSet& amx_set() {
  static const AmxSet set = make_amx_set();
  return set;
}
#endif

const KernelTable* find_table(std::string_view isa) {
#if defined(__x86_64__)
  if (isa == "avx512_amx") return amx_set().usable ? &amx_set().table : nullptr;
  static const KernelTable avx2 = completed(kAvx2Table);
  static const KernelTable avx_vnni = avx_vnni_table();
  static const KernelTable avx512 = avx512_table();
  if (isa == "avx512" && features().runs_avx512()) return &avx512;
  if (isa == "avx_vnni" && features().runs_avx2() && features().avx_vnni) return &avx_vnni;
  if (isa == "avx2" && features().runs_avx2()) return &avx2;
#endif
  return isa == "ref" ? &kRefTable : nullptr;
}

}  // namespace

std::vector<std::string_view> supported_isas() {
  std::vector<std::string_view> isas;
  for (const std::string_view isa : {"avx512_amx", "avx512", "avx_vnni", "avx2", "ref"}) {
    if (find_table(isa)) isas.push_back(isa);
  }
  return isas;
}

const KernelTable& kernels_for(std::string_view isa) {
  const KernelTable* table = find_table(isa);
  if (table) return *table;
  std::string supported;
  for (const std::string_view one : supported_isas()) {
    supported += supported.empty() ? "" : ", ";
    supported += one;
  }
  const std::string refused = unused_isa();
  const std::string why = refused.starts_with(isa) ? " (" + refused + ")" : "";
  throw Error(ErrorCode::kUnsupported, "[kernels] instruction set '" + std::string(isa) +
                                           "' is unknown or this machine lacks it; expected one "
                                           "of " +
                                           supported + why + "; try leaving ONDOL_ISA unset");
}

const KernelTable& best_kernels() {
  const char* forced = std::getenv("ONDOL_ISA");
  return kernels_for(forced && *forced ? std::string_view(forced) : supported_isas().front());
}

std::string_view kernel_isa(const KernelTable& table) { return table.name; }

std::string unused_isa() {
#if defined(__x86_64__)
  if (!amx_set().refused.empty()) return "avx512_amx: " + std::string(amx_set().refused);
#endif
  return "";
}

std::vector<std::string> cpu_features() {
  const Features& f = features();
  std::vector<std::string> names;
  const auto name = [&](bool has, const char* text) {
    if (has) names.emplace_back(text);
  };
  name(f.avx2, "avx2");
  name(f.fma, "fma");
  name(f.f16c, "f16c");
  name(f.avx_vnni, "avx_vnni");
  name(f.avx512f, "avx512f");
  name(f.avx512bw, "avx512bw");
  name(f.avx512vl, "avx512vl");
  name(f.avx512dq, "avx512dq");
  name(f.avx512_vnni, "avx512_vnni");
  name(f.avx512_bf16, "avx512_bf16");
  name(f.amx_int8, "amx_int8");
  name(f.amx_bf16, "amx_bf16");
  return names;
}

}  // namespace ondol
