// Scores of 32 rows beside 32 columns, dot products over the head, in tiles of workgroup memory. Lane (r, c) of 128, r = lane / 8, has rows
// r and r + 16 beside columns 4c to 4c + 3. Of the kernel: row_quad(which, row, d) and column_quad(which, column, d), zero outside, and
// params.quads = HD4, read so that compilers do not write loops out that hold barriers. Constants: HD4, CHUNK, STAGED.
const TILE = 32u;
const LANES = 128u;
const STRIDE = CHUNK + 1u;
var<workgroup> stage: array<vec4f, 2u * TILE * STRIDE>;
struct Scores { low: vec4f, high: vec4f }

fn dot4(a: vec4f, b: vec4f, sum: f32) -> f32 {
  return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
}

fn scores(which: u32, row0: u32, column0: u32, lane: u32) -> Scores {
  let row = lane / 8u;
  let column = TILE + lane % 8u * 4u;
  var low = vec4f();
  var high = vec4f();
  for (var d0 = 0u; d0 < params.quads; d0 += CHUNK) {
    workgroupBarrier();
    for (var i = lane; i < TILE * CHUNK; i += LANES) {
      let at = i / CHUNK * STRIDE + i % CHUNK;
      var own = vec4f();
      var other = vec4f();
      if (d0 + i % CHUNK < HD4) {
        own = row_quad(which, row0 + i / CHUNK, d0 + i % CHUNK);
        other = column_quad(which, column0 + i / CHUNK, d0 + i % CHUNK);
      }
      stage[at] = own;
      stage[TILE * STRIDE + at] = other;
    }
    workgroupBarrier();
    let quads = min(CHUNK, params.quads - d0);
    for (var d = 0u; d < quads; d++) {
      let x = stage[row * STRIDE + d];
      let y = stage[(row + 16u) * STRIDE + d];
      // #repeat i 4
      {
        let z = stage[(column + {i}u) * STRIDE + d];
        low[{i}] = dot4(x, z, low[{i}]);
        high[{i}] = dot4(y, z, high[{i}]);
      }
      // #end
    }
  }
  return Scores(low, high);
}

/// STAGED columns from `column0` on into `stage`, for sums over them: quad d of a column at [column * HD4 + d].
fn stage_columns(which: u32, column0: u32, lane: u32) {
  workgroupBarrier();
  for (var i = lane; i < STAGED * HD4; i += LANES) { stage[i] = column_quad(which, column0 + i / HD4, i % HD4); }
  workgroupBarrier();
}
