"""From a ground truth to published models, with the evidence that they are good."""
