// y[m, n] = alpha * sum_{k < span} x[m, first + k] * w[k, n] (added onto y when ACCUMULATE)      (NN: dX of a linear layer, packed weights)
// x: [M, K], w: [span, N] in any format; N a multiple of 4. It differs from subgroup_nn in that a lane computes four adjacent columns, because they are packed together.
// Params: product_params. Constants: LANES, ROWS, SUBGROUP, TAIL = span mod SUBGROUP, ACCUMULATE.
enable subgroups;
// #include "product_params"
@group(0) @binding(0) var<storage, read> x: array<f32>;
// #part weights
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<uniform> params: Params;

fn store(row: u32, quad: u32, value: vec4f) {
  if (row >= params.rows || quad >= params.quads) { return; }
  let at = row * params.quads + quad;
  if (ACCUMULATE == 1u) { y[at] += value * params.alpha; } else { y[at] = value * params.alpha; }
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(subgroup_invocation_id) peer: u32,
) {
  let row = (group.y + group.z * 32768u) * ROWS;
  if (row >= params.rows) { return; }
  let last = params.rows - 1u;
  let column = group.x * LANES + lane.x;
  let quads = params.quads;
  let span = params.span;
  let quad = min(column, quads - 1u);
  // #repeat r ROWS
  let x{r} = min(row + {r}u, last) * params.inner + params.first;
  var y{r} = vec4f();
  // #end
  for (var k = 0u; k + SUBGROUP <= span; k += SUBGROUP) {
    // #repeat r ROWS
    let a{r} = x[x{r} + k + peer];
    // #end
    // #repeat i SUBGROUP
    {
      let b = weight_quad((k + {i}u) * quads + quad);
      // #repeat r ROWS
      y{r} = fma(vec4f(subgroupBroadcast(a{r}, {i}u)), b, y{r});
      // #end
    }
    // #end
  }
  {
    let k = span / SUBGROUP * SUBGROUP;
    let own = min(k + peer, span - 1u);
    // #repeat i TAIL
    {
      let b = weight_quad((k + {i}u) * quads + quad);
      // #repeat r ROWS
      y{r} = fma(vec4f(subgroupBroadcast(x[x{r} + own], {i}u)), b, y{r});
      // #end
    }
    // #end
  }
  // #repeat r ROWS
  store(row + {r}u, column, y{r});
  // #end
}
