// Products of small matrices by a subgroup's hardware: the one place that knows the syntax of the experimental extension (its form since
// August 2026). It has the same functions as plain_matrix. Element is f16 or f32; sums are f32.
// Constants: MATRIX_M, MATRIX_N, MATRIX_K, and of the tile: LEFT_STRIDE, RIGHT_STRIDE.
enable chromium_experimental_subgroup_matrix;
alias Left = subgroup_matrix_left<Element, MATRIX_K, MATRIX_M>;
alias Right = subgroup_matrix_right<Element, MATRIX_N, MATRIX_K>;
alias Sum = subgroup_matrix_result<f32, MATRIX_N, MATRIX_M>;

fn left_by_rows(at: u32) -> Left { return subgroupMatrixLoad<Left, row_major>(&left_tile, at, LEFT_STRIDE); }
fn left_by_columns(at: u32) -> Left { return subgroupMatrixLoad<Left, col_major>(&left_tile, at, LEFT_STRIDE); }
fn right_by_rows(at: u32) -> Right { return subgroupMatrixLoad<Right, row_major>(&right_tile, at, RIGHT_STRIDE); }
fn right_by_columns(at: u32) -> Right { return subgroupMatrixLoad<Right, col_major>(&right_tile, at, RIGHT_STRIDE); }
fn multiply_add(left: Left, right: Right, sum: Sum) -> Sum { return subgroupMatrixMultiplyAccumulate(left, right, sum); }
fn keep(at: u32, sum: Sum) { subgroupMatrixStore<row_major>(&sums, at, sum, MATRIX_N); }
