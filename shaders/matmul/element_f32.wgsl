// Leaves the operands of subgroup matrices in f32.
alias Element = f32;
alias ElementQuad = vec4f;
