"""An invented borough with ground truth, for the demonstration, the tests and the accuracy figures."""
