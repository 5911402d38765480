"""The nouns: frozen values that flow from room to room. Imports nothing of ours.

Reference → Image → RootFS → Inventory → DependencyGraph → Findings → Assessment → Report
"""
