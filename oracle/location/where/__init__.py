"""Where: which equations of a step do not hold on the values that an implementation itself shows."""
