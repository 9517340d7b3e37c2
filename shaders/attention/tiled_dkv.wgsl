// dk[j, g] = scale * sum_h sum_t p (do . v_j - delta) q[t, h],  dv[j, g] = sum_h sum_t p do[t, h]
// over queries t >= j of j's segment and the GROUP query heads h of key head g.               (flash attention backward)
// It is tiled as tiled_attention is: 32 keys by 32 rows t * GROUP + g of queries, which are visited in order without atomics.
// Constants: HD4 = head size / 4, KV, GROUP, CHUNK, STAGED, ROWS, COLUMNS, COLUMN_LANES.
// The arrays are those of dkv.
struct Params { scale: f32, quads: u32 }
@group(0) @binding(0) var<storage, read> grad_o: array<vec4f>;
@group(0) @binding(1) var<storage, read> q: array<vec4f>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;
@group(0) @binding(4) var<storage, read> lse_delta: array<vec2f>;
@group(0) @binding(5) var<storage, read> spans: array<vec2u>;
@group(0) @binding(6) var<storage, read_write> dk: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dv: array<vec4f>;
@group(0) @binding(8) var<uniform> params: Params;

const HEADS = KV * GROUP;
var<private> kv: u32;
// #include "attention_scores"
// #include "attention_rows"
/// As `weights`, of the score's gradient.
var<workgroup> gradients: array<vec4f, TILE * WEIGHT_STRIDE>;
/// 0: k and q; 1: v and do.
fn row_quad(which: u32, key: u32, d: u32) -> vec4f {
  if (key >= spans[0].x) { return vec4f(); }
  let at = (key * KV + kv) * HD4 + d;
  if (which == 0u) { return k[at] * params.scale; }
  return v[at];
}
fn column_quad(which: u32, row: u32, d: u32) -> vec4f {
  if (row / GROUP >= spans[0].x) { return vec4f(); }
  let at = head_row(row) * HD4 + d;
  if (which == 0u) { return q[at]; }
  return grad_o[at];
}
/// First and last row that sees the key; none, (1, 0), where there is no such key.
fn rows_of(key: u32, live: u32) -> vec2u {
  return select(vec2u(1u, 0u), vec2u(key, spans[1u + min(key, live - 1u)].y) * GROUP - vec2u(0u, 1u), key < live);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let live = spans[0].x;
  let first_key = group.x * TILE;
  if (first_key >= live) { return; }
  let last_key = min(first_key + TILE, live) - 1u;
  let end_row = spans[1u + last_key].y * GROUP;
  kv = group.y;
  let row = lane / 8u;
  let column = lane % 8u;
  let low_rows = rows_of(first_key + row, live);
  let high_rows = rows_of(first_key + row + 16u, live);

  let own_column = lane % COLUMN_LANES;
  let own_row = lane / COLUMN_LANES * ROWS;
  // #repeat r ROWS
  // #repeat c COLUMNS
  var dk{r}_{c} = vec4f();
  var dv{r}_{c} = vec4f();
  // #end
  // #end
  for (var row0 = first_key * GROUP; row0 < end_row; row0 += TILE) {
    let s = scores(0u, first_key, row0, lane);
    let g = scores(1u, first_key, row0, lane);
    let first = row0 + column * 4u;
    var lse = vec4f();
    var delta = vec4f();
    // #repeat i 4
    {
      let both = lse_delta[head_row(min(first + {i}u, live * GROUP - 1u))];
      lse[{i}] = both.x;
      delta[{i}] = both.y;
    }
    // #end
    let low = exp(s.low - lse);
    let high = exp(s.high - lse);
    let sees_low = within(first, low_rows);
    let sees_high = within(first, high_rows);
    weights[row * WEIGHT_STRIDE + column] = select(vec4f(), low, sees_low);
    weights[(row + 16u) * WEIGHT_STRIDE + column] = select(vec4f(), high, sees_high);
    gradients[row * WEIGHT_STRIDE + column] = select(vec4f(), low * (g.low - delta), sees_low);
    gradients[(row + 16u) * WEIGHT_STRIDE + column] = select(vec4f(), high * (g.high - delta), sees_high);
    for (var j0 = 0u; j0 < TILE; j0 += STAGED) {
      for (var which = 0u; which < 2u; which++) {
        stage_columns(which, row0 + j0, lane);
        if (own_row < TILE) {
          for (var j = 0u; j < STAGED; j += 4u) {
            // #repeat r ROWS
            let at{r} = min(own_row + {r}u, TILE - 1u) * WEIGHT_STRIDE + (j0 + j) / 4u;
            // #end
            if (which == 0u) {
              // #repeat r ROWS
              let w{r} = gradients[at{r}];
              // #end
              // #repeat i 4
              {
                // #repeat c COLUMNS
                let x{c} = stage[(j + {i}u) * HD4 + min(own_column + {c}u * COLUMN_LANES, HD4 - 1u)];
                // #repeat r ROWS
                dk{r}_{c} = fma(vec4f(w{r}[{i}]), x{c}, dk{r}_{c});
                // #end
                // #end
              }
              // #end
            } else {
              // #repeat r ROWS
              let w{r} = weights[at{r}];
              // #end
              // #repeat i 4
              {
                // #repeat c COLUMNS
                let x{c} = stage[(j + {i}u) * HD4 + min(own_column + {c}u * COLUMN_LANES, HD4 - 1u)];
                // #repeat r ROWS
                dv{r}_{c} = fma(vec4f(w{r}[{i}]), x{c}, dv{r}_{c});
                // #end
                // #end
              }
              // #end
            }
          }
        }
      }
    }
  }
  // #repeat r ROWS
  if (own_row + {r}u < TILE && first_key + own_row + {r}u < live) {
    let at = ((first_key + own_row + {r}u) * KV + kv) * HD4;
    // #repeat c COLUMNS
    if (own_column + {c}u * COLUMN_LANES < HD4) {
      dk[at + own_column + {c}u * COLUMN_LANES] = dk{r}_{c} * params.scale;
      dv[at + own_column + {c}u * COLUMN_LANES] = dv{r}_{c};
    }
    // #end
  }
  // #end
}
