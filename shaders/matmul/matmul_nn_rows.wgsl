// y[m, n] = alpha * sum_k x[m, k] * w[k, n] (added onto y when ACCUMULATE) for few columns   (NN: through LoRA's B)
// x: [M, K], w: [K, N]; K and N multiples of 4, N small: lanes run along M. One invocation computes ROWS x N, its rows LANES apart.
// Constants: K, N, QUADS = N / 4, LANES, ROWS, ACCUMULATE.
// #include "flat"
struct Params { rows: u32, alpha: f32 }
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

const K4 = K / 4u;

fn store(row: u32, n4: u32, value: vec4f) {
  if (row >= params.rows) { return; }
  let at = row * QUADS + n4;
  if (ACCUMULATE == 1u) { y[at] += value * params.alpha; } else { y[at] = value * params.alpha; }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = flat_workgroup(group, groups) * LANES * ROWS + lane.x;
  if (row >= params.rows) { return; }
  let last = params.rows - 1u;
  // #repeat r ROWS
  let x{r} = min(row + {r}u * LANES, last) * K4;
  // #repeat n QUADS
  var c{r}_{n} = vec4f();
  // #end
  // #end
  for (var k = 0u; k < K4; k++) {
    // #repeat r ROWS
    let a{r} = x[x{r} + k];
    // #end
    // #repeat n QUADS
    let b{n}_0 = w[(4u * k) * QUADS + {n}u];
    let b{n}_1 = w[(4u * k + 1u) * QUADS + {n}u];
    let b{n}_2 = w[(4u * k + 2u) * QUADS + {n}u];
    let b{n}_3 = w[(4u * k + 3u) * QUADS + {n}u];
    // #repeat r ROWS
    c{r}_{n} += a{r}.x * b{n}_0; c{r}_{n} += a{r}.y * b{n}_1; c{r}_{n} += a{r}.z * b{n}_2; c{r}_{n} += a{r}.w * b{n}_3;
    // #end
    // #end
  }
  // #repeat r ROWS
  // #repeat n QUADS
  store(row + {r}u * LANES, {n}u, c{r}_{n});
  // #end
  // #end
}
