"""Scheduled, bounded runs on AWS Fargate that prove they happened."""
