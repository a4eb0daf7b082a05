// Coefficients of exp, erf and tanh, shared by every instruction set. Fitted for this project by
// "tools/golden/kernels.py fit" (least squares on Chebyshev nodes, reweighted towards minimax),
// rounded to float. Plain constants: including this header puts no function into the program.
//
//   exp(x):  n = round(x log2(e)), r = x - n ln2 (two steps), s = r r
//            (1 + (r + s P(r))) 2^(n/2) 2^(n - n/2)
//   erf(x):  |x| < 0.9: x + x P(x x);   else sign(x) (1 - exp(R(min(|x|, 4))))
//   tanh(x): |x| < 0.6:  x + (x x x) P(x x);   else sign(x) (1 - 2 / (exp(2 |x|) + 1))
#pragma once

namespace ondol {

inline constexpr float kExpMin = -104.0F;  // exp is 0 below
inline constexpr float kExpMax = 89.0F;    // and infinite above
inline constexpr float kLog2E = 1.44269504F;
inline constexpr float kLn2High = 0.693359375F;  // 9 bits: n * kLn2High is exact
inline constexpr float kLn2Low = -2.12194440e-4F;
inline constexpr float kRounder = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer
inline constexpr int kExpTerms = 6;             // lowest power first
inline constexpr float kExpPoly[kExpTerms] = {
    0.5F, 0.1666666716F, 0.04166645557F, 0.008333284408F, 0.001393454382F, 0.0001990888995F};

inline constexpr float kErfSwitch = 0.9F;
inline constexpr float kErfMax = 4.0F;  // erf rounds to 1 from here on
inline constexpr int kErfTerms = 7;
inline constexpr float kErfPoly[kErfTerms] = {
    0.12837916612625122F,  -0.37612634897232056F,   0.11283701658248901F, -0.026859698817133904F,
    0.005201705731451511F, -0.0008149685454554856F, 8.39727945276536e-05F};
inline constexpr int kErfcTerms = 8;
inline constexpr float kErfcPoly[kErfcTerms] = {0.0001705559843685478F,  -1.1294951438903809F,
                                                -0.6333866119384766F,    -0.10823667049407959F,
                                                0.02509153261780739F,    -0.004160541575402021F,
                                                0.00043230614392086864F, -2.0909845261485316e-05F};

inline constexpr float kTanhSwitch = 0.6F;
inline constexpr int kTanhTerms = 6;
inline constexpr float kTanhPoly[kTanhTerms] = {-0.3333333432674408F,   0.1333330124616623F,
                                                -0.05395878478884697F,  0.02176475338637829F,
                                                -0.008329602889716625F, 0.0022759055718779564F};

inline constexpr float kSqrtHalf = 0.70710678F;
inline constexpr float kNormalDensity = 0.39894228F;  // 1 / sqrt(2 pi)
inline constexpr float kGeluScale = 0.79788456F;      // sqrt(2 / pi)
inline constexpr float kGeluCubic = 0.044715F;
inline constexpr float kGeluFlat = 1e4F;  // of x^2: from here on the tanh is one to the last bit
inline constexpr float kWeightCodeMax = 32767.0F;  // attention weights over int8 values
inline constexpr float kTinyBlock = 1e-30F;        // activations: a block below is zeros

}  // namespace ondol
