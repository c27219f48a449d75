"""Label sets: ImageNet's classes, and names that workers may confuse."""
