// y[n, k] = alpha * sum_{m < counts[count_word]} a[m, n] * b[m, k] (added onto y when ACCUMULATE)   (TN: dW of a linear layer)
// a: [M, N], b: [M, K]; N and K multiples of 4. The sum over rows stops at counts[count_word], so tail rows never count. A workgroup computes
// 4 ROW_QUADS ROW_LANES x 4 COLUMN_QUADS COLUMN_LANES from tiles of DEPTH rows in workgroup memory, an invocation ROW_QUADS x COLUMN_QUADS fours.
// With SPLIT workgroups take `each` rows and leave bare sums [parts, N, K] in y for split_sum.
// Params: gradient_params. Constants: DEPTH, ROW_QUADS, COLUMN_QUADS, ROW_LANES, COLUMN_LANES, LANES, SPLIT, ACCUMULATE.
// #include "gradient_params"
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<uniform> params: Params;

const TILE_ROWS = ROW_QUADS * ROW_LANES;
const TILE_COLUMNS = COLUMN_QUADS * COLUMN_LANES;
var<workgroup> a_tile: array<vec4f, DEPTH * TILE_ROWS>;
var<workgroup> b_tile: array<vec4f, DEPTH * TILE_COLUMNS>;

fn store(split: u32, row: u32, quad: u32, value: vec4f) {
  let quads = params.k / 4u;
  if (row >= params.n || quad >= quads) { return; }
  if (SPLIT == 1u) { y[(split * params.n + row) * quads + quad] = value; return; }
  let at = row * quads + quad;
  if (ACCUMULATE == 1u) { y[at] += value * params.alpha; } else { y[at] = value * params.alpha; }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let a_quads = params.n / 4u;
  let b_quads = params.k / 4u;
  let blocks = (b_quads + TILE_COLUMNS - 1u) / TILE_COLUMNS;
  let split = group.x / blocks;
  let row0 = group.y * TILE_ROWS;
  let column0 = group.x % blocks * TILE_COLUMNS;
  let own_column = lane % COLUMN_LANES;
  let own_row = lane / COLUMN_LANES;
  var end = counts[params.count_word];
  if (SPLIT == 1u) { end = min((split + 1u) * params.each, end); }
  // #repeat r ROW_QUADS
  // #repeat i 4
  // #repeat c COLUMN_QUADS
  var y{r}_{i}_{c} = vec4f();
  // #end
  // #end
  // #end
  for (var m0 = split * params.each; m0 < end; m0 += DEPTH) {
    for (var i = lane; i < DEPTH * TILE_ROWS; i += LANES) {
      let m = m0 + i / TILE_ROWS;
      let quad = row0 + i % TILE_ROWS;
      var value = vec4f();
      if (m < end && quad < a_quads) { value = a[m * a_quads + quad]; }
      a_tile[i] = value;
    }
    for (var i = lane; i < DEPTH * TILE_COLUMNS; i += LANES) {
      let m = m0 + i / TILE_COLUMNS;
      let quad = column0 + i % TILE_COLUMNS;
      var value = vec4f();
      if (m < end && quad < b_quads) { value = b[m * b_quads + quad]; }
      b_tile[i] = value;
    }
    workgroupBarrier();
    for (var m = 0u; m < DEPTH; m++) {
      // #repeat c COLUMN_QUADS
      let right{c} = b_tile[m * TILE_COLUMNS + own_column + {c}u * COLUMN_LANES];
      // #end
      // #repeat r ROW_QUADS
      {
        let left = a_tile[m * TILE_ROWS + own_row + {r}u * ROW_LANES];
        // #repeat i 4
        // #repeat c COLUMN_QUADS
        y{r}_{i}_{c} = fma(vec4f(left[{i}]), right{c}, y{r}_{i}_{c});
        // #end
        // #end
      }
      // #end
    }
    workgroupBarrier();
  }
  // #repeat r ROW_QUADS
  // #repeat i 4
  // #repeat c COLUMN_QUADS
  store(split, (row0 + own_row + {r}u * ROW_LANES) * 4u + {i}u, column0 + own_column + {c}u * COLUMN_LANES, y{r}_{i}_{c});
  // #end
  // #end
  // #end
}
