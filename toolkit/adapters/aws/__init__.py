"""The services of AWS, one class each."""
