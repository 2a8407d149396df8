"""What the fine-tuning jobs share: the contract between stages and the logic that their entry scripts call."""
