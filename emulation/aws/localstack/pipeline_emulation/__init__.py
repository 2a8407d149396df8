"""What LocalStack 4.14.0 lacks for the fine-tuning pipeline, as a plugin.

LocalStack finds it by its entry points when this package's parent folder and aws/shared are on ``PYTHONPATH``.
"""
