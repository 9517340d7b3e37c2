// The functions of subgroup_matrix in plain arithmetic: the lanes of a subgroup share out a sum's elements and read the operands where they lie in
// workgroup memory. With it the kernels on subgroup matrices run, slowly, on adapters without them, which is how they are tested there.
// Constants: MATRIX_M, MATRIX_N, MATRIX_K, SUBGROUP (divides MATRIX_M MATRIX_N), LEFT_STRIDE, RIGHT_STRIDE.
struct Place { at: u32, row: u32, column: u32 }
alias Left = Place;
alias Right = Place;
const SHARE = MATRIX_M * MATRIX_N / SUBGROUP;
alias Sum = array<f32, SHARE>;
/// 0, which compilers do not know: loops stay loops.
var<workgroup> nothing: u32;

fn left_by_rows(at: u32) -> Left { return Place(at, LEFT_STRIDE, 1u); }
fn left_by_columns(at: u32) -> Left { return Place(at, 1u, LEFT_STRIDE); }
fn right_by_rows(at: u32) -> Right { return Place(at, RIGHT_STRIDE, 1u); }
fn right_by_columns(at: u32) -> Right { return Place(at, 1u, RIGHT_STRIDE); }
fn multiply_add(left: Left, right: Right, sum: Sum) -> Sum {
  var total = sum;
  let lane = subgroupExclusiveAdd(1u);
  for (var i = 0u; i < SHARE + nothing; i++) {
    let e = i * SUBGROUP + lane;
    let x = left.at + e / MATRIX_N * left.row;
    let w = right.at + e % MATRIX_N * right.column;
    for (var k = 0u; k < MATRIX_K + nothing; k++) {
      total[i] = fma(f32(left_tile[x + k * left.column]), f32(right_tile[w + k * right.row]), total[i]);
    }
  }
  return total;
}
fn keep(at: u32, sum: Sum) {
  let lane = subgroupExclusiveAdd(1u);
  for (var i = 0u; i < SHARE + nothing; i++) { sums[at + i * SUBGROUP + lane] = sum[i]; }
}
