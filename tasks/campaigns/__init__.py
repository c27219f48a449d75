"""From a draft to an open study: what a campaign asks, laid out, priced, checked and published."""
