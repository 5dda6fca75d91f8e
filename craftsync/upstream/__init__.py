"""The wing that speaks HTTP and knows the platform's words."""
