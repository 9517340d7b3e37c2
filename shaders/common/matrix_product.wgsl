// A product by a subgroup's matrices: a workgroup computes TILE_M x TILE_N elements, a subgroup BLOCKS_M x BLOCKS_N matrices of them. Tiles of DEPTH
// of what is summed over hold operands as Element, which is f16 only where rounding them was asked for; sums are f32 and taken by MATRIX_K,
// whatever the tile.
// The kernel gives LEFT_STRIDE, RIGHT_STRIDE (of its tiles), LEFT_SIZE, RIGHT_SIZE, has_rows(row0), extent() (of the sum), load_left(lane, row0, k0),
// load_right(lane, column0, k0) (fill the tiles, with zeros outside), left_matrix(row, k), right_matrix(k, column) (in the tiles) and
// store(row, column, value).
// Constants: TILE_M, TILE_N, DEPTH, PAD, ACROSS (subgroups side by side), BLOCKS_M, BLOCKS_N, MATRIX_M, MATRIX_N, MATRIX_K, SUBGROUP, LANES.
// #part element
var<workgroup> left_tile: array<Element, LEFT_SIZE>;
var<workgroup> right_tile: array<Element, RIGHT_SIZE>;
/// One matrix of each subgroup, on its way out.
var<workgroup> sums: array<f32, LANES / SUBGROUP * MATRIX_M * MATRIX_N>;
// #part matrix

fn put_left(at: u32, value: vec4f) {
  let quad = ElementQuad(value);
  for (var i = 0u; i < 4u; i++) { left_tile[at + i] = quad[i]; }
}
fn put_right(at: u32, value: vec4f) {
  let quad = ElementQuad(value);
  for (var i = 0u; i < 4u; i++) { right_tile[at + i] = quad[i]; }
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(subgroup_invocation_id) peer: u32,
) {
  let row0 = (group.y + group.z * 32768u) * TILE_M;
  if (!has_rows(row0)) { return; }
  let column0 = group.x * TILE_N;
  let own_row = subgroup / ACROSS * BLOCKS_M * MATRIX_M;
  let own_column = subgroup % ACROSS * BLOCKS_N * MATRIX_N;
  // #repeat i BLOCKS_M
  // #repeat j BLOCKS_N
  var s{i}_{j} = Sum();
  // #end
  // #end
  for (var k0 = 0u; k0 < extent(); k0 += DEPTH) {
    load_left(lane, row0, k0);
    load_right(lane, column0, k0);
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k += MATRIX_K) {
      // #repeat j BLOCKS_N
      let b{j} = right_matrix(k, own_column + {j}u * MATRIX_N);
      // #end
      // #repeat i BLOCKS_M
      {
        let a = left_matrix(own_row + {i}u * MATRIX_M, k);
        // #repeat j BLOCKS_N
        s{i}_{j} = multiply_add(a, b{j}, s{i}_{j});
        // #end
      }
      // #end
    }
    workgroupBarrier();
  }
  let own = subgroup * MATRIX_M * MATRIX_N;
  // #repeat i BLOCKS_M
  // #repeat j BLOCKS_N
  keep(own, s{i}_{j});
  workgroupBarrier();
  for (var e = peer; e < MATRIX_M * MATRIX_N; e += SUBGROUP) {
    store(row0 + own_row + {i}u * MATRIX_M + e / MATRIX_N, column0 + own_column + {j}u * MATRIX_N + e % MATRIX_N, sums[own + e]);
  }
  workgroupBarrier();
  // #end
  // #end
}
